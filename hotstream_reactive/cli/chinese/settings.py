"""What a setting may be."""

CHINESE = {
    "a number of seconds above 0, at most 2592000 (30 days)": (
        "大于 0、最多 2592000（30 天）的秒数"
    ),
    "a number of seconds from {} to {}": " {0} 到 {1} 的秒数",
    "a whole number from {} to {}": " {0} 到 {1} 的整数",
    "a whole number from {} to {}; 0 is no limit": " {0} 到 {1} 的整数；0 为不限",
    "a whole number from {} to {}; 0 keeps none": " {0} 到 {1} 的整数；0 为不保留",
    "a whole number of MiB from {} to {}": " {0} 到 {1} MiB 的整数",
    "a whole number of days from {} to {}": " {0} 到 {1} 天的整数",
    "an address starting with http:// or https://": "以 http:// 或 https:// 开头的地址",
    'an address starting with http:// or https://, or ""': (
        "以 http:// 或 https:// 开头的地址，或空文本"
    ),
    'an address starting with http://, https:// or socks5://, or "direct"': (
        "以 http://、https:// 或 socks5:// 开头的地址，或 “direct”"
    ),
    'an address starting with mongodb:// or mongodb+srv://, or ""': (
        "以 mongodb:// 或 mongodb+srv:// 开头的地址，或空文本"
    ),
    "a list of addresses starting with http:// or https://": (
        "以 http:// 或 https:// 开头的地址列表"
    ),
    "a list of directories": "目录列表",
    "a directory": "目录",
    '1 to 63 printable characters without / \\ . " $ * < > : | ? and space': (
        ' 1 到 63 个可打印字符，不含 / \\ . " $ * < > : | ? 和空格'
    ),
    "a text of at most {} characters": "最多 {0} 个字符的文本",
    "a text in quotes": "加引号的文本",
    "a table": "表",
    'true, false, or "auto" in quotes': " true、false 或加引号的 “auto”",
    "the name of a storage, e.g. mongodb or json": "存储的名称，如 mongodb 或 json",
}
