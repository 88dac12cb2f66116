import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;
import org.yaml.snakeyaml.Yaml;

/** Timetables of a ferry: YAML that is sent, read by SnakeYAML. */
public final class App {
    public static void main(String[] arguments) throws IOException {
        var address = new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0]));
        var server = HttpServer.create(address, 0);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/", App::answer);
        server.start();
    }

    private static void answer(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        if (!exchange.getRequestMethod().equals("POST")) {
            say(exchange, 200, "no timetable\n");
            return;
        }
        try {
            // CVE-2022-1471: a tag names any class, and the constructor of it is called.
            Object timetable = new Yaml().load(new String(body, StandardCharsets.UTF_8));
            say(exchange, 200, "read: " + timetable + "\n");
        } catch (RuntimeException wrong) {
            say(exchange, 400, "this is no timetable\n");
        }
    }

    private static void say(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
        exchange.sendResponseHeaders(status, bytes.length);
        try (var out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }
}
