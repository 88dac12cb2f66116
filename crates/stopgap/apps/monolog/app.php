<?php
// The counter of a chandler's shop: pages are files, a basket is a cookie, and Monolog keeps a log.
require 'Monolog/autoload.php';

function page(string $name): void
{
    // CWE-98: the name may lead anywhere, and PHP runs what is there.
    @include 'pages/' . $name;
}

function basket(): array
{
    $text = $_POST['basket'] ?? $_COOKIE['basket'] ?? '';
    // CWE-502: any class may be named, and Monolog's run what they are given.
    $basket = @unserialize(base64_decode($text));
    return is_array($basket) ? $basket : [];
}

header('Content-Type: text/plain; charset=utf-8');
switch (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
    case '/basket':
        echo 'in the basket: ', implode(', ', array_filter(basket(), 'is_string')), "\n";
        break;
    case '/page':
        page($_GET['name'] ?? 'welcome.txt');
        break;
    default:
        echo "a chandler's shop\n";
}
