"""A library's catalogue: the public books whose fields are as the request says."""

import sys

import django
from django.conf import settings
from django.core.exceptions import FieldError
from django.core.servers.basehttp import run
from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.http import JsonResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            # In memory, and shared by the server's threads.
            "NAME": "file:library?mode=memory&cache=shared",
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    ROOT_URLCONF=__name__,
    SECRET_KEY="guards nothing in this application",
)
django.setup()


class Book(models.Model):
    title = models.CharField(max_length=100)
    author = models.CharField(max_length=100)
    public = models.BooleanField(default=True)

    class Meta:
        app_label = "library"


class Member(models.Model):
    name = models.CharField(max_length=100)
    card = models.CharField(max_length=100)

    class Meta:
        app_label = "library"


def books(request):
    wanted = request.GET.dict() | request.POST.dict()
    wanted["public"] = True
    try:
        # CVE-2025-64459: a field named _connector is taken for the condition's own
        # AND or OR, and stands in the query as it is.
        found = [book.title for book in Book.objects.filter(**wanted)]
    except (FieldError, ValueError) as error:
        return JsonResponse({"error": str(error)}, status=400)
    return JsonResponse({"books": found})


urlpatterns = [path("books", books)]

with connection.schema_editor() as editor:
    editor.create_model(Book)
    editor.create_model(Member)
Book.objects.create(title="Emma", author="Jane Austen")
Book.objects.create(title="Dubliners", author="James Joyce")
Book.objects.create(title="The union -- a select history", author="Flann O'Brien")
Book.objects.create(title="Letters under seal", author="Nobody", public=False)
Member.objects.create(name="Ada", card="card-5521-not-for-visitors")
run("127.0.0.1", int(sys.argv[1]), get_wsgi_application(), threading=True)
