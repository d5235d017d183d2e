"""What is run, how much of it, and what must hold. Times in seconds unless they say otherwise.

The backends' service time is what a calm call costs, so that a busy machine's own hiccups are small beside it.
"""

SERVICE_MS = 40
# Calls a second through the gateway to the backends that break, half of them retried and half hedged, and to one that does not.
LOAD_RATE = 250
CONTROL_RATE = 100
# Nobody waits longer for a call than this; it is no limit that a call that is helped comes near.
PATIENCE = 10

WARM_UP = 2
CALM = 5
# From each fault on, the gateway has so long to get out of its way; then what its callers see is measured for so long.
GRACE = 2
MEASURED = 3
# How long at most to wait until everybody is back in service before the next fault.
RECOVERY_MAX = 20

SUCCESS_MIN = 0.9999
P99_FACTOR_MAX = 2.0
ATTEMPTS_FACTOR_MAX = 1.2


def configuration(kinds, control):
    """The reference configuration for a service of idempotent methods that answers within some tens of milliseconds."""
    per_call = {"attempts": 3, "per_try_timeout": "500ms", "on": ["unavailable", "connect_failure", "reset", "refused_stream",
                                                                  "per_try_timeout"]}
    return {
        "workers": 2,
        "access_log": "off",
        "admin": {"address": "127.0.0.1:0"},
        "listeners": [{"name": "public", "address": "127.0.0.1:0"}],
        "clusters": {
            "kinds": {
                "endpoints": [backend.address for backend in kinds],
                # Two of three may be out at once; where all are, health is not believed.
                "load_balancing": {"policy": "least_request", "panic_threshold": "30%"},
                "timeouts": {"connect": "250ms"},
                "health_check": {"type": "grpc", "interval": "250ms", "timeout": "250ms", "unhealthy_threshold": 2,
                                 "healthy_threshold": 1},
                "outlier_detection": {"consecutive_5xx": 5, "consecutive_local_origin_failure": 5, "interval": "250ms",
                                      "base_ejection_time": "6s", "max_ejection_percent": "67%"},
                # A burst of what one backend leaves behind, not more than it.
                "retry_budget": {"percent": "20%", "minimum": 20},
                "hedge_budget": {"percent": "20%", "minimum": 20},
            },
            "control": {"endpoints": [control.address]},
        },
        "routes": [
            {"name": "kinds", "authority": "kinds.test", "service": "martlet.scenarios.v1.Kinds", "cluster": "kinds",
             "allow": "anyone", "timeout": "5s",
             "methods": {
                 "Unary": {"idempotent": True, "retry": per_call},
                 "Erase": {"idempotent": True,
                           "hedging": {"attempts": 3, "delay": "100ms", "non_fatal": ["unavailable"]}},
             }},
            {"name": "control", "cluster": "control", "allow": "anyone"},
        ],
    }
