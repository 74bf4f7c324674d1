"""TwiML as a function of what is said and where the call stands; and what a call's webhooks are read as."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4
from xml.etree import ElementTree

import pytest

from channels.port import Unreadable
from channels.twiml import SLOW, VOICES, Manner, Place, Then, Utterance, document, notice, spoken, utterance
from channels.voice import MOST_SILENCES, AnsweredBy, Move, move, read_call_event, read_call_status
from dialogs.message import Choice, Keys, Said, Speech
from engine.contact import Delivery

BASE = "https://bot.example/webhooks/twilio/voice/c0ffee"
ASKED = Utterance("en", ("By which day can you pay?",))
FORM = {"CallSid": "CA1", "From": "+40312345678", "To": "+40712345678", "Direction": "outbound-api"}


def twiml(said: Utterance, place: Place | None = None, manner: Manner | None = None) -> ElementTree.Element:
    return ElementTree.fromstring(document(said, place or Place(BASE, 3), manner or Manner()))  # noqa: S314 our own


def test_a_question_listens_for_keys_and_speech_in_the_language_of_the_talk() -> None:
    gather, fallen_through = twiml(Utterance("uk", ("Так?",), one_key=True, hints=("Так, правильно", "Ні")))
    assert gather.attrib == {
        "input": "dtmf speech",
        "action": f"{BASE}/turn/3/0/0",
        "method": "POST",
        "timeout": "6",
        "actionOnEmptyResult": "true",
        "numDigits": "1",
        "language": "uk-UA",
        "speechTimeout": "auto",
        "hints": "Так  правильно,Ні",
    }
    assert [(say.text, say.attrib) for say in gather] == [("Так?", {"language": "uk-UA", "voice": VOICES["uk"]})]
    assert (fallen_through.tag, fallen_through.text) == ("Redirect", gather.get("action"))


def test_where_speech_is_not_trusted_only_keys_are_listened_for() -> None:
    gather = twiml(ASKED, manner=Manner(understood=frozenset({"ru"})))[0]
    assert gather.get("input") == "dtmf"
    assert gather.get("language") is None


def test_a_value_takes_more_than_one_key() -> None:
    assert twiml(ASKED)[0].get("numDigits") is None


def test_each_asking_is_an_address_of_its_own() -> None:
    assert twiml(ASKED, Place(BASE, 3, again=2, silent=1))[0].get("action") == f"{BASE}/turn/3/2/1"


def test_the_last_words_tell_us_that_they_were_heard() -> None:
    say, redirect = twiml(Utterance("en", ("Goodbye.",), Then.HANG_UP))
    assert (say.text, redirect.text) == ("Goodbye.", f"{BASE}/end/3")


def test_a_call_is_passed_on_where_there_is_an_operator() -> None:
    handed_over = Utterance("en", ("One moment.",), Then.OPERATOR)
    dial = twiml(handed_over, manner=Manner(operator="+40312345000"))[1]
    assert (dial.get("action"), dial[0].text) == (f"{BASE}/dialed/3", "+40312345000")
    assert [verb.tag for verb in twiml(handed_over)] == ["Say", "Redirect"]


@pytest.mark.parametrize("text", ["<Dial>+1900</Dial>", "a & b", 'a "b" <c>', "]]>", "a\x00b\x0bc"])
def test_what_is_said_is_never_markup(text: str) -> None:
    (say,) = ElementTree.fromstring(notice([text], "en", Manner())).findall("Say")  # noqa: S314 our own
    assert len(say) == 0
    assert say.text is not None
    assert say.text.split() == "".join(char if char >= " " else " " for char in text).split()


def test_what_is_asked_for_again_is_said_slowly_where_the_voice_can_do_that() -> None:
    say = twiml(replace(ASKED, slow=True))[0][0]
    assert (say.get("voice"), say.text) == (VOICES["en"], None)
    assert [(part.tag, part.text, part.attrib) for part in say] == [("prosody", *ASKED.lines, {"rate": SLOW})]
    account = twiml(replace(ASKED, slow=True), manner=Manner(voices={}))[0][0]
    assert (account.text, account.attrib, len(account)) == (*ASKED.lines, {"language": "en-US"}, 0)


def test_a_voice_says_no_address_and_no_picture() -> None:
    speech = Speech("en", ("Thank you 🙏, Ana.\nPay here: https://pay.example/x", "😀"), (Choice("a", "Pay now"),))
    assert spoken(speech) == ("Thank you , Ana.", "1 Pay now")


def test_options_are_offered_with_their_keys() -> None:
    speech = Speech("en", ("Well?",), (Choice("a", "Pay now", "Pay now: press 1."),))
    said = utterance(speech, Then.LISTEN)
    assert said.lines == ("Well?", "Pay now: press 1.")
    assert said.one_key
    assert said.hints == ("Pay now",)


@pytest.mark.parametrize(
    ("fields", "silent", "expected"),
    [
        ({}, 0, Move.REMIND),
        ({"Digits": "", "SpeechResult": " "}, MOST_SILENCES - 1, Move.REMIND),
        ({}, MOST_SILENCES, Move.GOODBYE),
        ({"Digits": "*"}, MOST_SILENCES, Move.REPEAT),
        ({"SpeechResult": "Mai rar, vă rog."}, 0, Move.REPEAT),
        ({"SpeechResult": "Повільніше!"}, 0, Move.REPEAT),
        ({"SpeechResult": "Ещё раз"}, 0, Move.REPEAT),
        ({"SpeechResult": "Repeat that bill to my wife"}, 0, Move.TURN),
        ({"Digits": "0"}, 0, Move.PERSON),
        ({"Digits": "7"}, 0, Move.TURN),
        ({"SpeechResult": "on Friday"}, MOST_SILENCES, Move.TURN),
    ],
)
def test_what_an_answer_means_for_the_call(fields: dict[str, str], silent: int, expected: Move) -> None:
    assert move(read_call_event({**FORM, **fields}, "3:0:0"), silent) is expected


def test_an_event_has_one_name_however_often_it_is_posted() -> None:
    event = read_call_event({**FORM, "Digits": "12#x"}, "3:0:0")
    assert (event.event, event.person, event.reply) == ("CA1:3:0:0", "+40712345678", Keys("12"))
    assert event.inbound is not None
    assert event.inbound.event == event.event
    inbound = read_call_event({**FORM, "Direction": "inbound", "SpeechResult": "Yes.\0"}, "1:0:0")
    assert (inbound.person, inbound.reply) == ("+40312345678", Said("Yes."))


@pytest.mark.parametrize(
    ("word", "who"),
    [
        ("human", AnsweredBy.PERSON),
        ("machine_end_other", AnsweredBy.MACHINE),
        ("machine_start", AnsweredBy.MACHINE),
        ("fax", AnsweredBy.FAX),
        ("unknown", AnsweredBy.UNKNOWN),
        ("", AnsweredBy.UNKNOWN),
    ],
)
def test_only_a_person_counts_as_a_person(word: str, who: AnsweredBy) -> None:
    assert read_call_event({**FORM, "AnsweredBy": word}, "answer").answered_by is who


@pytest.mark.parametrize(
    ("status", "sip", "state", "code", "dead"),
    [
        ("ringing", "", Delivery.ACCEPTED, "", False),
        ("in-progress", "", Delivery.SENT, "", False),
        ("completed", "", Delivery.FAILED, "completed", False),
        ("busy", "486", Delivery.FAILED, "busy", False),
        ("no-answer", "480", Delivery.FAILED, "no-answer", False),
        ("failed", "503", Delivery.FAILED, "failed", False),
        ("failed", "404", Delivery.FAILED, "404", True),
    ],
)
def test_how_a_call_ended(status: str, sip: str, state: Delivery, code: str, dead: bool) -> None:
    attempt = uuid4()
    report = read_call_status({"CallSid": "CA1", "CallStatus": status, "SipResponseCode": sip}, attempt)
    assert (report.event, report.reference, report.attempt) == (f"CA1:{status}", "CA1", attempt)
    assert (report.state, report.code, report.address_dead) == (state, code, dead)


@pytest.mark.parametrize("form", [{}, {"CallSid": "CA1"}, {"From": "+40", "To": "+40"}])
def test_a_webhook_without_its_fields_is_unreadable(form: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        read_call_event(form, "answer")
    with pytest.raises(Unreadable):
        read_call_status(form, None)
