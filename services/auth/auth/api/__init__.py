"""Accounts, sessions and tokens: sign up, sign in, stay signed in, sign out; verify the address, reset the password; the profile; administration."""

from auth.api import administration, authentication, inside, pages, password, personal_data, users, verification

routers = (
    authentication.router,
    verification.router,
    password.router,
    pages.router,
    users.router,
    personal_data.router,
    administration.router,
    inside.router,
)
