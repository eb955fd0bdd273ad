"""`config import`: from the original's configuration."""

CHINESE = {
    "Make config.toml from the YAML of the original HotStream.": (
        "把原版 HotStream 的 YAML 配置转换为 config.toml。"
    ),
    "Make config.toml from FILE, the YAML configuration of the original HotStream.": (
        "把 FILE（原版 HotStream 的 YAML 配置）转换为 config.toml。"
    ),
    "What has no counterpart here is named with the remedy. Passwords are left out: their place is "
    "the environment (MONGODB_URI). Needs `pip install 'hotstream-reactive[import]'`.": (
        "这里没有对应项的键会被指出，并说明改用什么。密码不会写入：应放在环境变量中（MONGODB_URI）。"
        "需要 `pip install 'hotstream-reactive[import]'`。"
    ),
    "Write it here instead of printing it; must not be there.": (
        "写入此文件而不是输出；文件不得已存在。"
    ),
    "Replace the file of --output.": "替换 --output 指定的文件。",
    "--force needs --output": "--force 需要 --output",
    "options of a verb stand behind it": "子命令的选项写在子命令之后",
    "{} is there already; name another file, or give --force": (
        "{0} 已存在；请指定其他文件，或使用 --force"
    ),
    "it needs two libraries more: pip install 'hotstream-reactive[import]'": (
        "还需要两个库：pip install 'hotstream-reactive[import]'"
    ),
    "left out {} ({})": "未写入 {0}（{1:t}）",
    "storage.default_type is not set: the default was json and is mongodb here": (
        "没有设置 storage.default_type：原版默认 json，这里默认 mongodb"
    ),
    "written: {}; try it: hotstream --config {} config --check": (
        "已写入 {0}；检查：hotstream --config {1} config --check"
    ),
    "{}: not valid YAML: {}": "{0}：不是有效的 YAML：{1:t}",
    "it holds bytes that are no text": "其中有不是文本的字节",
    "{}: not valid YAML: it holds bytes that are no text": (
        "{0}：不是有效的 YAML：其中有不是文本的字节"
    ),
    "{}: not valid YAML: a value does not fit its type, or is nested too deeply": (
        "{0}：不是有效的 YAML：有值与其类型不符，或嵌套过深"
    ),
    "holds no table of settings; name the YAML file of the original": (
        "其中没有设置；请指定原版的 YAML 文件"
    ),
    "holds more than {} values; is it the right file?": "其中有超过 {0} 个值；文件是否正确？",
    "is gone": "已取消",
    "is gone: there is always a database": "已取消：总是使用数据库",
    "belongs into the address, in MONGODB_URI in the environment": (
        "应写在地址中，即环境变量 MONGODB_URI"
    ),
    "is gone: a worker that shall not work is not started, or paused with hotstream pause": (
        "已取消：不需要工作的工作进程不启动即可，或用 hotstream pause 暂停"
    ),
    "has no counterpart": "没有对应项",
    "has no counterpart: set platforms.<name>.rate_limit.requests_per_minute": (
        "没有对应项：请设置 platforms.<name>.rate_limit.requests_per_minute"
    ),
    "has no counterpart: set platforms.<name>.max_running, for the whole fleet": (
        "没有对应项：请设置 platforms.<name>.max_running，对整个集群有效"
    ),
    "has no counterpart: the pace of a minute holds all the time": (
        "没有对应项：每分钟的速度一直有效"
    ),
    "is gone: entry points are always looked at": "已取消：总是查找 entry point",
    "is gone: the proxies in fetch.proxies are used in turn as soon as there are several": (
        "已取消：fetch.proxies 中有多个代理时自动轮流使用"
    ),
    "is gone: monitoring.metrics_address shows the figures, see docs/metrics.md": (
        "已取消：monitoring.metrics_address 提供指标，见 docs/metrics.md"
    ),
    "is gone: Prometheus asks when it wants to, see docs/metrics.md": (
        "已取消：Prometheus 按自己的节奏读取，见 docs/metrics.md"
    ),
    "is no key of the original; set it by hand if it is one of here": (
        "不是原版的键；如果是这里的设置，请手动写入"
    ),
    "is neither true nor false": "既不是 true 也不是 false",
    "should hold keys and does not": "应当包含键，但没有",
    "a platform's name is made of 1 to 64 letters, digits, _ and -": (
        "平台名称由 1 到 64 个字母、数字、_ 和 - 组成"
    ),
    "holds for each platform here, and none is named: set platforms.<name>.respect_robots": (
        "在这里按平台设置，而文件中没有平台：请设置 platforms.<name>.respect_robots"
    ),
    "may hold a password; set MONGODB_URI in the environment": (
        "可能含有密码：请设置环境变量 MONGODB_URI"
    ),
    "may hold a secret; set it in the environment, or write it by hand": (
        "可能含有机密：请用环境变量设置，或手动写入"
    ),
    "holds a value that TOML cannot: null, bytes, a set or a huge number": (
        "含有 TOML 无法表示的值：null、字节、集合或过大的数"
    ),
}
