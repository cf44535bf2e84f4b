"""The pages that links in mails open, for as long as there is no frontend that takes them over.

Opening a page changes nothing, because scanners of mail open every link: a person presses a button. What may run is named by its
hash, and the token stands behind the # of the address, so it is sent to nobody but the endpoint.
"""

import base64
import hashlib
from string import Template

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from auth.api.schemas import PUBLIC
from auth.passwords import LONGEST, SHORTEST

router = APIRouter(tags=["auth"], default_response_class=HTMLResponse)

_STYLE = """
:root { color-scheme: light dark; font: 1.05rem/1.5 system-ui, sans-serif }
body { margin: 0; min-height: 90vh; display: grid; place-items: center }
main { width: min(24rem, 88vw) }
h1 { font-size: 1.4rem }
form { display: grid; gap: .6rem }
input, button { font: inherit; padding: .6rem .7rem; border-radius: .5rem; border: 1px solid #8888 }
button { background: #2456d6; color: #fff; border: 0; cursor: pointer }
button:disabled { opacity: .5; cursor: default }
"""
# The token leaves the address bar, and so the history, as soon as it is read.
_SCRIPT = """
const form = document.querySelector("form"), said = document.querySelector("output");
const token = new URLSearchParams(location.hash.slice(1)).get("token");
history.replaceState(null, "", location.pathname);
if (!token) { form.hidden = true; said.textContent = "This link is not complete. Open it from the mail once more."; }
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button"), fields = Object.fromEntries(new FormData(form));
  button.disabled = true;
  said.textContent = "One moment\\u2026";
  try {
    const answer = await fetch(location.pathname, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...fields, token }),
    });
    if (answer.ok) form.hidden = true;
    else button.disabled = false;
    said.textContent = answer.ok ? form.dataset.done : (await answer.json()).detail;
  } catch {
    button.disabled = false;
    said.textContent = "There is no connection. Try again.";
  }
});
"""
_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Study Teddy: $title</title>
<style>$style</style>
</head>
<body>
<main>
<h1>$title</h1>
<form data-done="$done">
$fields
<button>$button</button>
</form>
<p><output aria-live="polite"></output></p>
<noscript>This page needs JavaScript.</noscript>
</main>
<script>$script</script>
</body>
</html>
""")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_hash(_SCRIPT)}; style-src {_hash(_STYLE)}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
}


@router.get("/auth/verify-email", openapi_extra=PUBLIC)
async def verify_email_page() -> Response:
    """The page that a verification mail's link opens. It does not use the link up; its button does."""
    return _page(
        title="Confirm your email address",
        fields="<p>Press the button to confirm that you read mail at this address.</p>",
        button="Confirm",
        done="Your address is confirmed. You can close this page and go on studying.",
    )


@router.get("/auth/password/reset", openapi_extra=PUBLIC)
async def reset_password_page() -> Response:
    """The page that a reset mail's link opens: a form for another password."""
    return _page(
        title="Set a new password",
        fields=(
            f'<label for="password">New password: {SHORTEST} characters or more; a short sentence is a good one</label>\n'
            f'<input id="password" name="password" type="password" required minlength="{SHORTEST}" maxlength="{LONGEST}" '
            'autocomplete="new-password">'
        ),
        button="Set it, and sign out everywhere",
        done="Your new password is set. You can close this page and sign in with it.",
    )


def _page(**texts: str) -> Response:
    return HTMLResponse(_PAGE.substitute(texts, style=_STYLE, script=_SCRIPT), headers=_HEADERS)
