"""django-oauth-toolkit as it comes, behind the least of a Django project: login page, consent page, tokens.

    python toolkit.py DIRECTORY ISSUER TTL PASSWORD

Its port is on the first line of stdout. A line of stdin is another lifetime of access tokens, in seconds, or `expire`:
then the device codes so far have expired. A line of stdout says that it counts. The database is in DIRECTORY; the user
is alice; the public clients are cli, and device for the device flow.
"""

import sys
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import django
from django.conf import settings

DIRECTORY, ISSUER, TTL, PASSWORD = sys.argv[1:]
ORIGIN = ISSUER.removesuffix("/o")


def private_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


LIFETIME = {"seconds": int(TTL)}
APPS = ["auth", "contenttypes", "sessions"]
LOGIN = """<form method="post">{% csrf_token %}{{ form }}<input type="hidden" name="next" value="{{ next }}">
<input type="submit" value="Log in"></form>"""
LOADERS = [
    ("django.template.loaders.locmem.Loader", {"login.html": LOGIN}),
    "django.template.loaders.app_directories.Loader",
]

settings.configure(
    SECRET_KEY="only for tests",
    DEBUG=False,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": Path(DIRECTORY) / "django.db",
            # Writers wait for one another instead of failing.
            "OPTIONS": {
                "timeout": 60,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA synchronous=OFF",
            },
        }
    },
    INSTALLED_APPS=[*(f"django.contrib.{app}" for app in APPS), "oauth2_provider"],
    # Tables at once, and a hash that costs nothing: a server starts for each test.
    MIGRATION_MODULES={app: None for app in [*APPS, "oauth2_provider"]},
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": LOADERS,
                "context_processors": ["django.template.context_processors.request"],
            },
        }
    ],
    LOGIN_URL="/login/",
    CSRF_TRUSTED_ORIGINS=[ORIGIN],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True,
        "OIDC_ISS_ENDPOINT": ISSUER,
        "OIDC_RSA_PRIVATE_KEY": private_key(),
        "SCOPES": {"openid": "OpenID", "api": "API"},
        "EXTRA_SERVER_KWARGS": {"token_expires_in": lambda _request: LIFETIME["seconds"]},
        "PKCE_REQUIRED": True,
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
        "OAUTH_DEVICE_VERIFICATION_URI": f"{ISSUER}/device/",
        "DEVICE_FLOW_INTERVAL": 1,
    },
)
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.views import LoginView  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils import timezone  # noqa: E402
from oauth2_provider.models import get_application_model, get_device_grant_model  # noqa: E402
from oauth2_provider.urls import metadata_urlpatterns  # noqa: E402

urlpatterns = [
    # The metadata of RFC 8414 has its place at the root of the host; only there is the revocation endpoint named.
    path("", include((metadata_urlpatterns, "oauth2_provider"), namespace="metadata")),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("login/", LoginView.as_view(template_name="login.html")),
]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_arguments):
        pass


def set_up():
    call_command("migrate", run_syncdb=True, verbosity=0)
    get_user_model().objects.create_user("alice", "alice@example.com", PASSWORD)
    application = get_application_model()
    application.objects.create(
        name="cli",
        client_id="cli",
        client_type=application.CLIENT_PUBLIC,
        authorization_grant_type=application.GRANT_AUTHORIZATION_CODE,
        redirect_uris="http://127.0.0.1/callback",
        algorithm=application.RS256_ALGORITHM,
    )
    application.objects.create(
        name="device",
        client_id="device",
        client_type=application.CLIENT_PUBLIC,
        authorization_grant_type=application.GRANT_DEVICE_CODE,
        algorithm=application.RS256_ALGORITHM,
    )


def obey():
    for line in sys.stdin:
        if line == "expire\n":
            get_device_grant_model().objects.update(expires=timezone.now())
        else:
            LIFETIME["seconds"] = int(line)
        print("obeyed", flush=True)


set_up()
threading.Thread(target=obey, daemon=True).start()
server = make_server("127.0.0.1", 0, get_wsgi_application(), server_class=Server, handler_class=Quiet)
print(server.server_port, flush=True)
server.serve_forever()
