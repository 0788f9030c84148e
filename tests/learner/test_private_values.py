from __future__ import annotations

import pytest

from explib_learner.checks.private_values import private_value

TASKS = {
    "flight": [
        "You are mia_li_3668. You want to fly from New York to Seattle on 2024-05-20 with flight HAT136. Use"
        " certificate_7504069 "
        "and pay the rest with the card ending in 7447. Your name is Mia Li. Your reservation is VAAOXJ, the"
        " other one XEHM4B."
    ],
    "shop": [
        '{"user_id": "yusuf_rossi_9620", "name": "Yusuf Rossi", "items": ["1151293680"], "order_id": "#W2378156",'
        ' "retries": 3} '
        "Mail yusuf.rossi@example.org, 763 Broadway Avenue, or call 415-555-2671. Log in as user yrossi.admin."
    ],
    "code": [
        "In issue 48213 of repo acme/widget, utf-8 files break since python3.12; TS2322 and E501 are reported."
        " Customer Ada Byron "
        "(customer id C0042817) runs Ubuntu 22.04 with sha256 digests on port 8443. Commit 9fceb02d0ae598 broke"
        " src/app2/main.py. "
        "Use Visual Studio Code, Google Maps and the Spring Boot plugin. Invoice INV-2024-00173 is for account"
        " DE89370400440532013000."
    ],
    "query": [
        "Which of 10,000 rows in table orders_2 have status 404 or 1024 bytes? Answer as of 2024. Key API_KEY2,"
        " HTTP 503."
    ],
    "other": ["Use HTTP 503 and TS2322 with the Spring Boot plugin."],
}
NAMES = (
    "get_user_details",
    "user_id",
    "payment_id",
    "search_direct_flight",
    "The policy: codes like HAT001 name flights; oauth2.",
)

LEAKING = """
mia_li_3668 prefers the cheapest flight, so sort by price.
When a customer like mia_li_3668 asks, check the certificates first.
When booking HAT136, check the seats.
When booking hat136 in economy, check the seats.
When paying, use certificate_7504069 first.
When flying on 2024-05-20, check the status.
When the card ends in 7447, charge the rest to it.
When Mia Li asks, look up her profile first.
When the reservation is VAAOXJ, cancel it before rebooking.
When XEHM4B is named, look up its segments.
When yusuf_rossi_9620 returns items, refund to the card.
When an item is 1151293680, exchange it.
When order W2378156 is named, read its status first.
When order #W2378156 is pending, modify it.
When unsure, write to yusuf.rossi@example.org.
When shipping, use 763 Broadway Avenue as the address.
When calling back, use 415-555-2671.
When logging in, use yrossi.admin for the account.
When Yusuf Rossi asks, verify the zip code.
When issue 48213 is open, read its comments first.
When Ada Byron asks, run the tests.
When the customer is C0042817, read the contract first.
When a build breaks, revert 9fceb02d0ae598 at once.
When paying, take INV-2024-00173 from the list.
When paying, transfer to DE89370400440532013000.
When a refund is asked for by YUSUF_ROSSI_9620, deny it.
When certificates are used, prefer certificate_7504069 over cards.
When the profile says Mia Li, skip the identity check.
When two reservations exist, keep VAAOXJ.
When the address is 763 Broadway, ship by ground.
""".strip().split("\n")
GOOD = """
When a customer names no user id, ask for it before any lookup.
When a user_id is missing, call get_user_details only after asking.
When booking, call search_direct_flight before search_onestop_flight.
When paying by certificate, use the larger certificate first, then the card.
When a flight is cancelled, check the fare rules before refunding.
When flying from New York, check both airports.
When several prices fit, sort by price before choosing.
When a reservation code is unknown, list the user's reservations.
When a payment fails, retry with the next payment_id.
When a date has no year, take the year of the policy.
When the cabin is economy, check baggage allowances first.
When insurance is declined, never add it.
When a certificate is used, note that only one is allowed per booking.
When a code like HAT001 is given, treat it as a flight number.
When the customer changes their mind, confirm before calling the tool.
When an order is pending, modify items in one call.
When items are exchanged, collect all of them before the call.
When an e-mail address is given, verify it against the profile.
When a zip code is asked for, verify the name too.
When an order was delivered, offer a return instead of cancellation.
When retries is 3, stop and report the error.
When a JSON field is missing, use its default.
When reading files, open them as utf-8.
When running on python3.12, use tomllib.
When TypeScript reports TS2322, fix the type instead of casting.
When ruff reports E501, wrap the line at 120 characters.
When a digest is needed, use sha256 and not md5.
When a server listens on port 8443, use https.
When Ubuntu 22.04 is the image, install python3-venv first.
When HTTP 503 is returned, wait and retry with backoff.
When status 404 is returned, check the path before retrying.
When more than 10,000 rows are expected, page the query.
When a buffer is full, read 1024 bytes at a time.
When a Spring Boot plugin fails, run it with --stacktrace.
When Visual Studio Code is open, save all files before running tests.
When Google Maps gives no result, use the address search.
When tests fail, run pytest -x -q and read the first failure.
When a commit breaks the build, bisect before reverting.
When an issue is unclear, read its comments first.
When the repo has a Makefile, run make check before committing.
When an invoice is overdue, check the payment list first.
When a customer id is given, read the contract first.
When an IBAN is given, check its length and country.
When querying orders_2, filter by status first.
When a key is needed, read API_KEY2 from the environment.
When the answer is a year, give four digits.
When counting rows, use COUNT(*) instead of fetching.
When a date is compared, parse it as ISO 8601.
When oauth2 is used, refresh the token before it expires.
When a path is relative, resolve it against the repository root.
When git reports conflicts, resolve each file and run the tests.
When a phone number is given, keep its country code.
When the user logs in as an admin, ask for a second factor.
When a street is given without a city, ask for the city.
When two reservations exist, ask which one is meant.
When asked for the cheapest, compare all options including one-stop flights.
When a tool fails twice, read its error and change the arguments.
When the last four digits of a card are given, match them to a payment method.
When a patch is ready, run the whole suite with pytest -n 2.
When files are under src/app, keep imports absolute.
""".strip().split("\n")


@pytest.mark.parametrize("lesson", LEAKING)
def test_a_value_of_one_task_is_found(lesson: str) -> None:
    assert private_value(lesson, TASKS, NAMES) is not None


@pytest.mark.parametrize("lesson", GOOD)
def test_words_that_any_task_may_have_are_none(lesson: str) -> None:
    assert private_value(lesson, TASKS, NAMES) is None


def test_what_several_tasks_share_is_no_value_unless_it_names_one_person_or_thing() -> None:
    tasks = {"g1": ["Fly with HAT136 as mia_li_3668."], "g2": ["Cancel HAT136 of mia_li_3668."]}
    assert private_value("When on HAT136, check the gate.", tasks, ()) is None
    assert private_value("When mia_li_3668 asks, check the gate.", tasks, ()) == "mia_li_3668"


def test_names_of_tools_and_fields_are_no_values() -> None:
    tasks = {"g1": ["Call lookup_v1234 with item_98765."]}
    assert private_value("When stuck, call lookup_v1234.", tasks, ("lookup_v1234",)) is None
    assert private_value("When stuck, give item_98765.", tasks, ("lookup_v1234",)) == "item_98765"
