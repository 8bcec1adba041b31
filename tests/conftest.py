"""What every test has: the weather of Hypothesis.

`steady` (the default) draws the same examples each time, so that a red run is red again; `search`
(`make search`) draws new ones and many more.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "steady", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "search", max_examples=5000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "glance",  # for planted defects: that it fails is enough, the smallest example is not wanted
    settings.get_profile("steady"),
    phases=[Phase.explicit, Phase.generate],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
