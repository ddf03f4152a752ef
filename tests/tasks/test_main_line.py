"""The main job through the public face: form from the API, task, steps, result, credits."""

import io

import pytest
from PIL import Image
from skimage import data

from apps.core import aio
from apps.tasks.models import Task
from apps.tasks.runner import run_task
from tests.conftest import Api

pytestmark = pytest.mark.django_db(transaction=True)


def photo() -> bytes:
    sink = io.BytesIO()
    Image.fromarray(data.coffee()).save(sink, "JPEG", quality=92)
    return sink.getvalue()


def test_run_product_photo__real_photo__exact_size_and_corners(demo, member):
    api = Api(member)
    uploaded = api.post("/api/v1/uploads", files={"file": ("cup.jpg", photo(), "image/jpeg")}).json()

    created = api.post(
        "/api/v1/tasks",
        json={
            "feature": "product-photo",
            "input": {"image": uploaded["id"], "size": 640, "format": "png", "background": "#bfdbfe"},
        },
    )
    assert created.status_code == 202
    assert aio.run(run_task(created.json()["id"]), timeout=60)

    task = api.get(created.json()["links"]["self"]).json()
    assert (task["status"], task["error"]) == ("succeeded", None)
    result = task["files"][task["output"]["image"]]
    picture = Image.open(io.BytesIO(api.get(result["url"]).content))
    assert (picture.format, picture.size) == ("PNG", (640, 640))
    assert {picture.getpixel(xy) for xy in [(0, 0), (639, 0), (0, 639), (639, 639)]} == {(0xBF, 0xDB, 0xFE)}
    assert [s["status"] for s in task["steps"]] == ["succeeded"] * 8
    assert api.get("/api/v1/quota").json() == {"balance": 990, "held": 0}
    assert Task.objects.get().attempts == 1
