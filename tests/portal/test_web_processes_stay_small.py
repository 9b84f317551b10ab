"""The web server doesn't load what only some processes need: Celery, the PDF renderer, gateways, image decoders, and
webhook libraries.
"""

import subprocess
import sys

NOT_IN_WEB_PROCESSES = ["celery", "kombu", "typst", "stripe", "PIL", "pikepdf", "boto3", "pydantic", "requests"]

LOAD = """
import sys
import portal.wsgi
from django.urls import resolve
resolve("/orders/find/")
print(*[name for name in sys.argv[1:] if name in sys.modules])
"""


def test_the_web_server_loads_nothing_that_it_does_not_need_at_once() -> None:
    loaded = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOAD, *NOT_IN_WEB_PROCESSES], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []
