"""The queue: work is acknowledged when it is done, nothing is lost with a worker, and what comes every hour."""

from typing import Any


def celery(*, redis_url: str, prefix: str) -> dict[str, Any]:
    """Celery's settings, on this Redis, with `prefix` before every key."""
    return {
        "broker_url": redis_url,
        "task_default_queue": "pipelines",
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_failure_or_timeout": True,
        "worker_prefetch_multiplier": 1,
        "task_track_started": False,
        "task_ignore_result": True,
        "result_backend": None,
        "accept_content": ["json"],
        "task_serializer": "json",
        "visibility_timeout": 900,
        "broker_transport_options": {
            "visibility_timeout": 900,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "retry_on_timeout": True,
            "health_check_interval": 25,
            "global_keyprefix": prefix + "celery:",
        },
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "worker_soft_shutdown_timeout": 10.0,
        "worker_enable_soft_shutdown_on_idle": True,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "timezone": "UTC",
        "beat_schedule": {
            "storage.purge": {"task": "core.purge_expired", "schedule": 3600.0, "options": {"expires": 1800}},
            "trials.purge": {"task": "tasks.purge_trials", "schedule": 3600.0, "options": {"expires": 1800}},
            "accounts.purge": {"task": "accounts.purge_tokens", "schedule": 3600.0, "options": {"expires": 1800}},
        },
    }
