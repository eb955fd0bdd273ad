"""What runs beside a worker: figures."""

CHINESE = {
    "[monitoring] metrics_address = {}: prometheus-client is not installed; "
    "pip install 'hotstream-reactive[metrics]', or set it to \"\"": (
        "[monitoring] metrics_address = {0}：没有安装 prometheus-client；"
        "请执行 pip install 'hotstream-reactive[metrics]'，或设为 \"\""
    ),
}
