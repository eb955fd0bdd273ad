"""The words on the screen, in English and Chinese. The English text is its own key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

Language = Literal["en", "zh"]

CHINESE: Mapping[str, str] = {
    # headings
    "Running": "运行中",
    "Next up": "即将运行",
    "Failures": "最近失败",
    "Workers": "工作进程",
    "Platforms": "平台",
    "Events": "事件",
    "Log": "日志",
    "name": "名称",
    "platform": "平台",
    "prio": "优先",
    "progress": "进度",
    "items": "条目",
    "phase": "阶段",
    "age/limit": "时长/上限",
    "worker": "进程",
    "beat": "心跳",
    "reason": "原因",
    "waits": "等待",
    "error": "错误",
    "then": "后续",
    "slots": "槽位",
    "stream": "变更流",
    "version": "版本",
    "host": "主机",
    "memory": "内存",
    "state": "状态",
    "runs": "运行",
    "due": "到期",
    "rate": "速率",
    "bad/h": "失败/时",
    "when": "时间",
    # totals
    "waiting": "等待",
    "scheduled": "定时",
    "held": "被阻",
    "oldest": "最久",
    "last hour": "近一小时",
    "done": "完成",
    "failed": "失败",
    "tasks/min": "任务/分",
    "items/min": "条目/分",
    "pick-up": "接手",
    "{} running in {} slots": "{} 个任务在运行，共 {} 个槽位",
    "{} items in the last hour": "近一小时 {} 个条目",
    "running": "运行",
    # states
    "starting": "启动",
    "collecting": "采集",
    "processing": "处理",
    "storing": "存储",
    "live": "实时",
    "resuming": "恢复中",
    "degraded": "降级",
    "unsupported": "不支持",
    "off": "关闭",
    "no workers": "无工作进程",
    "silent": "无响应",
    "draining": "收尾中",
    "ok": "正常",
    "paused": "已暂停",
    "limit": "达上限",
    "final": "不再重试",
    "retry in": "重试于",
    "retried": "已重试",
    "in": "还有",
    "connecting": "连接中",
    "reconnecting": "重新连接",
    "reads only": "仅轮询",
    "event {} ago": "事件 {}前",
    "up": "已运行",
    "clock": "时钟",
    "standalone": "单机",
    "sharded": "分片",
    "primary": "主",
    "no primary": "无主节点",
    "more": "项",
    "runs again": "再次运行",
    "put back": "已放回",
    "failed again": "再次失败",
    # reasons
    "starts now": "即将开始",
    "due in": "到期还有",
    "backoff": "退避",
    "engine paused": "引擎已暂停",
    "platform paused": "平台已暂停",
    "limit reached": "平台达上限",
    "no worker": "没有工作进程",
    "platform unknown": "未知平台",
    "waits for a slot": "等待空槽",
    "found by a sweep": "等待轮询",
    "schedule not read yet": "计划未计算",
    "being admitted": "正在受理",
    "invalid": "无效",
    # events
    "inserted": "新增",
    "claimed": "认领",
    "completed": "完成",
    "retry": "重试",
    "cancelled": "取消",
    "rescued": "接管",
    "promoted": "提前",
    "edited": "修改",
    "deleted": "删除",
    "handed back": "交还",
    "lease lost": "租约丢失",
    "by": "由",
    "edit": "编辑",
    "immediate": "立即",
    # empty
    "nothing runs": "没有任务在运行",
    "the queue is empty": "队列为空",
    "nothing matches the filter": "没有匹配的任务",
    "nothing has happened yet": "尚无事件",
    "no worker is registered; start one with: hotstream start-daemon": (
        "没有工作进程；请运行 hotstream start-daemon"
    ),
    # keys
    "select": "选择",
    "promote": "提前",
    "cancel": "取消",
    "explain": "解释",
    "filter": "过滤",
    "log": "日志",
    "help": "帮助",
    "quit": "退出",
    "read-only here; use": "此处只读；请用",
    "Ctrl-C ends": "Ctrl-C 退出",
    "cancel {}? y/n": "取消 {}？ y/n",
    "Enter keeps the filter, Esc clears it": "Enter 保留，Esc 清除",
    "any key closes this": "按任意键关闭",
    "no task is selected": "没有选中任务",
    "promoted {}": "已提前 {}",
    "cancelled {}": "已取消 {}",
    "{} runs again": "{} 将再次运行",
    "{} is not waiting any more": "{} 已不在等待",
    "{} has ended already": "{} 已结束",
    "{} has not ended": "{} 尚未结束",
    "{}: may start now": "{}：可以开始",
    "nothing is known of {}": "没有 {} 的信息",
    "keys": "按键",
    "move the selection": "移动选择",
    "let a waiting task start first and now: priority 1, immediate, no run_at": (
        "让等待的任务最先立即开始：priority 1、immediate、无 run_at"
    ),
    "cancel a waiting or running task, after y": "取消等待或运行中的任务（按 y 确认）",
    "run a task again that has ended": "再次运行已结束的任务",
    "say what keeps a task from starting": "说明任务为何没有开始",
    "show only what holds a text": "只显示包含该文字的任务",
    "this help": "本帮助",
    "leave; tasks and workers go on": "退出；任务与进程继续",
    "Every key writes what a plain updateOne would; docs/dashboard.md tells more.": (
        "每个按键只是一次普通的 updateOne；详见 docs/dashboard.md。"
    ),
    "finishing {} tasks, {}; Ctrl-C again to release them": (
        "正在完成 {} 个任务，{}；再按 Ctrl-C 立即释放"
    ),
    "s": "秒",
    "m": "分",
    "h": "时",
    "d": "天",
}


class Words:
    """Translates the fixed texts; what is not in the table stays as it is.

    Args:
        others: translates sentences that come from below, such as reasons and errors.
    """

    def __init__(
        self, language: Language = "en", others: Callable[[str], str] | None = None
    ) -> None:
        self.language = language
        self.others = others or (lambda text: text)
        self._table: Mapping[str, str] = CHINESE if language == "zh" else {}

    def __call__(self, text: str) -> str:
        """The text in the chosen language."""
        return self._table.get(text, text)


def language_of(environ: Mapping[str, str], encoding: str) -> Language:
    """Chinese where HOTSTREAM_LANG or else the locale says so and the terminal can show it."""
    names = ("HOTSTREAM_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environ[name] for name in names if environ.get(name)), "")
    if not locale.lower().startswith("zh"):
        return "en"
    try:
        "运行".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return "en"
    return "zh"
