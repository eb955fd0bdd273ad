"""The demo."""

CHINESE = {
    "Show the main job end to end; needs nothing.": "完整演示主要流程；不需要任何准备。",
    "Show the main job end to end: insert, pick up, scrape, store, complete.": (
        "完整演示主要流程：插入、认领、采集、保存、完成。"
    ),
    "Needs no MongoDB, no Docker and no network: it brings its own.": (
        "不需要 MongoDB、Docker 和网络：全部自带。"
    ),
    "An external application inserts tasks, as in the README": "外部程序插入任务，与 README 相同",
    "All ordinary slots are busy: these wait; one is promoted by updateOne": (
        "普通槽位全忙：这些任务等待；其中一个用 updateOne 提前"
    ),
    "A running task is cancelled by updateOne": "用 updateOne 取消运行中的任务",
    "The daemon is idle: an immediate task": "守护进程空闲：一个立即任务",
    "What became of the tasks": "任务的结果",
    "{} items in data_items, the last ones": "data_items 中有 {0} 个条目，最后几个",
    "picked up after": "接手用时",
    "ran for": "运行时长",
    "mongodb": "MongoDB",
    "site": "站点",
    "daemon": "守护进程",
    "insert": "插入",
    "update": "更新",
    "picked up": "接手",
    "a small Nitter-style site serves at {}": "一个 Nitter 风格的小站点在 {0} 提供服务",
    "embedded replica set is up after {} s: {}": "自带的副本集在 {0} 秒后启动：{1}",
    "process {} watches the tasks, {} slots": "进程 {0} 在监听任务，{1} 个槽位",
    "{} {} ms after its insert": "{0} 插入后 {1} 毫秒",
    "{} items stored": "已保存 {} 个条目",
    "{} has stopped, {} items kept": "{0} 已停止，保留 {1} 个条目",
    "the demo took longer than {} s: is this machine very busy?": (
        "演示超过了 {0} 秒：这台机器很忙吗？"
    ),
}
