/* libmodsecurity as a process: for the bench of engines, and for comparing what rules match.
 *
 * driver bench RULES MIX...   loads, inspects one request, says "ready"; then, for each line
 *                             "INDEX PASSES" it gets, inspects that mix so often and says how
 *                             many requests were stopped
 * driver match                answers each frame with a line. A frame is its length (4 bytes), a
 *                             letter and the rest: R, rules: "ok" or why not; Q, a request: the
 *                             ids of the rules that logged a match
 *
 * A request is the fields method, target, version, the number of headers (4 bytes), name and
 * value of each, body; each field is its length and its bytes. In a mix the status of the response
 * follows (4 bytes, 0: there is none), its headers and its body. Numbers are little endian.
 * The prototypes stand here since the library comes without its headers. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { int status; int pause; char *url; char *log; int disruptive; } Intervention;
extern void *msc_init(void);
extern void msc_set_log_cb(void *, void (*)(void *, const void *));
extern void *msc_create_rules_set(void);
extern int msc_rules_add_file(void *, const char *, const char **);
extern int msc_rules_add(void *, const char *, const char **);
extern int msc_rules_cleanup(void *);
extern void *msc_new_transaction(void *, void *, void *);
extern int msc_process_connection(void *, const char *, int, const char *, int);
extern int msc_process_uri(void *, const char *, const char *, const char *);
extern int msc_add_n_request_header(void *, const unsigned char *, size_t, const unsigned char *, size_t);
extern int msc_process_request_headers(void *);
extern int msc_append_request_body(void *, const unsigned char *, size_t);
extern int msc_process_request_body(void *);
extern int msc_add_n_response_header(void *, const unsigned char *, size_t, const unsigned char *, size_t);
extern int msc_process_response_headers(void *, int, const char *);
extern int msc_append_response_body(void *, const unsigned char *, size_t);
extern int msc_process_response_body(void *);
extern int msc_process_logging(void *);
extern int msc_intervention(void *, Intervention *);
extern void msc_transaction_cleanup(void *);

static void *library, *rules;
static int tells; /* whether the ids of matches are written */

static void matched(void *unused, const void *line) {
    (void)unused;
    const char *id = tells ? strstr(line, "[id \"") : NULL;
    if (id) printf("%.*s ", (int)strcspn(id + 5, "\""), id + 5);
}

static void fail(const char *why) {
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static uint32_t number(const unsigned char **at) {
    uint32_t value;
    memcpy(&value, *at, 4);
    *at += 4;
    return value;
}

static const unsigned char *field(const unsigned char **at, uint32_t *length) {
    *length = number(at);
    const unsigned char *bytes = *at;
    *at += *length;
    return bytes;
}

static char *text(const unsigned char **at) {
    uint32_t length;
    const unsigned char *bytes = field(at, &length);
    char *copy = malloc(length + 1);
    if (!copy) fail("out of memory");
    memcpy(copy, bytes, length);
    copy[length] = 0;
    return copy;
}

static int stops(void *transaction) {
    Intervention told = {200, 0, NULL, NULL, 0};
    int stopped = msc_intervention(transaction, &told);
    /* What stops is not logged but told here. */
    if (told.log) matched(NULL, told.log);
    free(told.url);
    free(told.log);
    return stopped != 0;
}

typedef int Add(void *, const unsigned char *, size_t, const unsigned char *, size_t);

static void headers(const unsigned char **at, void *transaction, Add *add) {
    for (uint32_t count = number(at); count; count--) {
        uint32_t name_length, value_length;
        const unsigned char *name = field(at, &name_length), *value = field(at, &value_length);
        add(transaction, name, name_length, value, value_length);
    }
}

/* What was answered to a request that passed; whether that was stopped. */
static int respond(const unsigned char **at, void *transaction, int passed) {
    uint32_t status = number(at), length;
    if (!status) return 0;
    headers(at, transaction, msc_add_n_response_header);
    const unsigned char *body = field(at, &length);
    if (!passed) return 0;
    msc_process_response_headers(transaction, status, "HTTP 1.1");
    if (stops(transaction)) return 1;
    msc_append_response_body(transaction, body, length);
    msc_process_response_body(transaction);
    return stops(transaction);
}

/* Inspects one request as a connector does; whether it was stopped. */
static int inspect(const unsigned char **at, int in_mix) {
    char *method = text(at), *target = text(at), *version = text(at);
    void *transaction = msc_new_transaction(library, rules, NULL);
    msc_process_connection(transaction, "127.0.0.1", 40000, "127.0.0.1", 80);
    msc_process_uri(transaction, target, method, version);
    headers(at, transaction, msc_add_n_request_header);
    uint32_t length;
    const unsigned char *body = field(at, &length);
    msc_process_request_headers(transaction);
    int stopped = stops(transaction);
    if (!stopped) {
        if (length) msc_append_request_body(transaction, body, length);
        msc_process_request_body(transaction);
        stopped = stops(transaction);
    }
    if (in_mix && respond(at, transaction, !stopped)) stopped = 1;
    msc_process_logging(transaction);
    msc_transaction_cleanup(transaction);
    free(method);
    free(target);
    free(version);
    return stopped;
}

typedef struct { const unsigned char *from, *to; } Mix;

static Mix read_mix(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) fail(path);
    long size = ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(size + 1);
    if (!bytes || fread(bytes, 1, size, file) != (size_t)size) fail(path);
    fclose(file);
    return (Mix){bytes, bytes + size};
}

static int bench(int count, char **paths) {
    const char *error = NULL;
    if (msc_rules_add_file(rules, paths[0], &error) < 0) fail(error);
    Mix *mixes = calloc(count, sizeof(Mix));
    for (int i = 1; i < count; i++) mixes[i - 1] = read_mix(paths[i]);
    const unsigned char *first = mixes[0].from;
    inspect(&first, 1);
    puts("ready");
    fflush(stdout);
    int mix, passes;
    while (scanf("%d %d", &mix, &passes) == 2 && mix >= 0 && mix < count - 1) {
        long stopped = 0;
        while (passes--)
            for (const unsigned char *at = mixes[mix].from; at < mixes[mix].to;) stopped += inspect(&at, 1);
        printf("%ld\n", stopped);
        fflush(stdout);
    }
    return 0;
}

static int match(void) {
    uint32_t length;
    while (fread(&length, 4, 1, stdin) == 1) {
        unsigned char *frame = malloc(length + 1);
        if (!frame || !length || fread(frame, 1, length, stdin) != length) fail("a frame is cut off");
        frame[length] = 0;
        const unsigned char *at = frame + 1;
        const char *error = NULL;
        if (*frame == 'R') {
            msc_rules_cleanup(rules);
            rules = msc_create_rules_set();
            if (msc_rules_add(rules, (const char *)at, &error) < 0) {
                for (const char *c = error; c && *c; c++) putchar(*c == '\n' ? ' ' : *c);
            } else {
                fputs("ok", stdout);
            }
        } else {
            tells = 1;
            inspect(&at, 0);
            tells = 0;
        }
        putchar('\n');
        fflush(stdout);
        free(frame);
    }
    return 0;
}

int main(int count, char **words) {
    library = msc_init();
    msc_set_log_cb(library, matched);
    rules = msc_create_rules_set();
    if (count > 3 && !strcmp(words[1], "bench")) return bench(count - 2, words + 2);
    if (count == 2 && !strcmp(words[1], "match")) return match();
    fail("driver bench RULES MIX... | driver match");
}
