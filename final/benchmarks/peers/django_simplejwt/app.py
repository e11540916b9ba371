"""Django REST framework with simplejwt, as its documentation has it: old tokens are blacklisted."""

import os
import sys
from datetime import timedelta
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

URL = urlsplit(os.environ["DATABASE_URL"])
DATABASE = (
    {"ENGINE": "django.db.backends.sqlite3", "NAME": URL.path}
    if URL.scheme == "sqlite"
    else {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": URL.hostname,
        "PORT": URL.port,
        "USER": URL.username,
        "PASSWORD": URL.password or "",
        "NAME": URL.path[1:],
    }
)

settings.configure(
    SECRET_KEY="of a benchmark, and of nothing else",
    DEBUG=False,
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": DATABASE | {"CONN_MAX_AGE": 60}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "rest_framework_simplejwt",
        "rest_framework_simplejwt.token_blacklist",
    ],
    # What `startproject` writes, less what is for pages: sessions, messages, and CSRF of forms.
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    PASSWORD_HASHERS=[f"{__name__}.Argon2"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    },
    SIMPLE_JWT={
        "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
        "ROTATE_REFRESH_TOKENS": True,
        "BLACKLIST_AFTER_ROTATION": True,
    },
    USE_TZ=True,
)
sys.modules["app"] = sys.modules[__name__]  # one module, whether it is run or imported
django.setup()

from django.contrib.auth.hashers import Argon2PasswordHasher, make_password  # noqa: E402 - after setup()
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import serializers  # noqa: E402
from rest_framework.generics import RetrieveAPIView  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework_simplejwt import views as jwt_views  # noqa: E402


class Argon2(Argon2PasswordHasher):
    time_cost = 2
    memory_cost = 19456
    parallelism = 1


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ("id", "username", "email", "first_name", "date_joined")


class Me(RetrieveAPIView):
    permission_classes = [IsAuthenticated]
    serializer_class = UserSerializer

    def get_object(self) -> User:
        return self.request.user


urlpatterns = [
    path("health", lambda request: JsonResponse({"status": "ok"})),
    path("me", Me.as_view()),
    path("token", jwt_views.TokenObtainPairView.as_view()),
    path("token/refresh", jwt_views.TokenRefreshView.as_view()),
    path("token/blacklist", jwt_views.TokenBlacklistView.as_view()),
]
application = get_wsgi_application()


def seed(count: int, password: str) -> None:
    call_command("migrate", verbosity=0)
    hashed = make_password(password)
    print(hashed)
    emails = (f"user{number}@example.com" for number in range(count))
    users = [User(username=email, email=email, password=hashed) for email in emails]
    User.objects.bulk_create(users, batch_size=1000)


if __name__ == "__main__":
    seed(int(sys.argv[1]), sys.argv[2])
