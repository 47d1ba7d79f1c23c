"""The counter of one person over two companies and by hand: what counts, what does not, and who reads it."""

from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import update

from backend.core.clock import utc_now
from backend.tenancy.models import Company
from tests.counting import counting
from tests.helpers import create, problem
from tests.portal.conftest import House, act, assign, call
from tests.portal.test_two_companies import Mails, as_person, confirmed, link_both, mails

__all__ = ["mails"]
