"""What is wrong with a task document, and what keeps a task from starting."""

CHINESE = {
    "invalid task: {}": "任务无效：{0:t}",
    "invalid task, {} wrong fields: {}": "任务无效，{0} 个字段有错：{1:t}",
    "invalid task: it cannot be stored: {}": "任务无效：无法保存：{0}",
    "invalid task: platform: {} is switched off; set platforms.{}.enabled = true in config.toml": (
        "任务无效：platform：{0} 已关闭；请在 config.toml 中设置 platforms.{1}.enabled = true"
    ),
    "invalid task: {}: {}, expected one of {}": "任务无效：{0}：{1}，应为 {2} 之一",
    "invalid task: {}: {}, expected one of {} (did you mean {}?)": (
        "任务无效：{0}：{1}，应为 {2} 之一（您是不是想用 {3}？）"
    ),
    "{}: {}, expected {}": "{0}：{1:t}，应为{2:t}",
    "missing": "缺失",
    "{} or {}": " {0} 或 {1}",
    "(a secret, not shown)": "（机密，不显示）",
    "{}: {} is not known here, expected one of {}, did you mean {}? (--force writes it all the "
    "same)": "{0}：此处没有 {1}，应为 {2} 之一，您是不是想用 {3}？（--force 可强制写入）",
    "{}: {} is not known here, expected one of {} (--force writes it all the same)": (
        "{0}：此处没有 {1}，应为 {2} 之一（--force 可强制写入）"
    ),
    "{}: {} is not known here, its plugin is broken: {}": "{0}：此处没有 {1}，其插件已损坏：{2:t}",
    "one of {}": " {0} 之一",
    "a text of 1 to {} characters": " 1 到 {0} 个字符的文本",
    "a text of 1 to {} characters without NUL": " 1 到 {0} 个字符、不含 NUL 的文本",
    "{} without NUL": "{0:t}，不含 NUL",
    'an array of texts, e.g. ["AI", "MongoDB"]': "文本数组，如 [“AI”, “MongoDB”]",
    "an array with at least one text, which a {} task needs": (
        "至少含一个文本的数组（{0} 任务必需）"
    ),
    "at most {} entries": "最多 {0} 项",
    "at most {} values in all": "总共最多 {0} 个值",
    "at most {} levels of nesting": "最多 {0} 层嵌套",
    "an integer from {} to {}": " {0} 到 {1} 的整数",
    "an integer from 1 to {}": " 1 到 {0} 的整数",
    "a number from {} to {}": " {0} 到 {1} 的数字",
    "true or false": " true 或 false",
    "a date": "日期",
    "a date between the years 1 and 9999": "公元 1 到 9999 年的日期",
    'an object, e.g. {"limit": 50}': "对象，如 {“limit”: 50}",
    "a field name without '$'": "不含 “$” 的字段名",
    "schedule: {}": "schedule：{0:t}",
    "{} never fires: there is no such day": "{0} 永远不会触发：没有这样的日期",
    "{} has {} fields, expected 5 (minute hour day month weekday) or 6 (… and second), e.g. {}": (
        "{0} 有 {1} 个字段，应为 5 个（分 时 日 月 周）或 6 个（… 和秒），如 {2}"
    ),
    "{} is no cron expression ({}), expected e.g. {}": "{0} 不是 cron 表达式（{1}），应形如 {2}",
    "{} is no time zone, expected a name such as 'Europe/Berlin' or 'Asia/Shanghai'": (
        "{0} 不是时区，应为 “Europe/Berlin” 或 “Asia/Shanghai” 这样的名称"
    ),
    # what keeps a task from starting
    "completed; set status to 0 to run it again": "已完成；把 status 设为 0 可再次运行",
    "failed: {}; set status to 0 to run it again": "已失败：{0}；把 status 设为 0 可再次运行",
    "cancelled; set status to 0 to run it": "已取消；把 status 设为 0 可运行",
    "{}; it ends as failed as soon as a worker reads it": (
        "{0:t}；一旦有工作进程读到它，就会以失败结束"
    ),
    "running: lease held by {}, which never sent a heartbeat": (
        "运行中：租约由 {0} 持有，它从未发过心跳"
    ),
    "running: lease held by {}, last heartbeat {} s ago": (
        "运行中：租约由 {0} 持有，最近心跳 {1} 秒前"
    ),
    "running: lease held by {}, last heartbeat {} s ago, too long: it is about to be rescued": (
        "运行中：租约由 {0} 持有，最近心跳 {1} 秒前，已过久：即将被接管"
    ),
    "a worker has yet to compute when the schedule {} is due": (
        "还没有工作进程计算过计划 {0} 的到期时间"
    ),
    "backoff after failure {} of {}: {}": "第 {0} 次失败（共 {1} 次机会）后退避：{2}",
    "not due yet: the schedule says when": "尚未到期：由计划决定",
    "not due yet: run_at": "尚未到期：run_at",
    "a worker has yet to give {} the proper value": "还没有工作进程为 {0} 填入正确的值",
    "the engine is paused": "引擎已暂停",
    "the engine is paused: {}": "引擎已暂停：{0}",
    "platform {} is paused": "平台 {0} 已暂停",
    "platform {} is paused: {}": "平台 {0} 已暂停：{1}",
    "platform {} runs {} tasks, its limit is {}": "平台 {0} 正在运行 {1} 个任务，上限为 {2}",
    "no worker is alive that takes tasks; start one with: hotstream start-daemon": (
        "没有可以认领任务的工作进程；启动一个：hotstream start-daemon"
    ),
    "no living worker runs platform {} (unknown or switched off; there are {}); "
    "it ends as failed when one claims it": (
        "没有工作进程运行平台 {0}（未知或已关闭；现有 {1}）；一旦被认领就会以失败结束"
    ),
    "all {} of {} are busy, place {} in the queue{}": (
        "{1:t}的全部 {0:t} 都忙，队列中第 {2} 位{3:t}"
    ),
    "; a free express slot is kept for urgent ones": "；空闲的快速通道留给紧急任务",
    "ordinary slots": "普通槽位",
    "{} slots": "{0} 个槽位",
    "1 worker": "1 个工作进程",
    "{} workers": "{0} 个工作进程",
    "the change stream is {}: sweeps find it within {} s": (
        "变更流处于 {0}：轮询会在 {1} 秒内找到它"
    ),
}
