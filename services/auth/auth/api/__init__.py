"""Accounts, sessions and tokens: sign up, sign in, stay signed in, sign out; the profile; administration."""

from auth.api import administration, authentication, inside, users

routers = (authentication.router, users.router, administration.router, inside.router)
