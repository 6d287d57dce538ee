"""`/v1` in this process: what is accepted, its errors, background prompts, forms of the reply."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.model_server import PENS, ModelServer, use
from tests.scripted_model import comprehension, decision

Client = Callable[..., TestClient]
Serve = Callable[..., ModelServer]
MODEL = "concertino/solve_math"


def ask(service: TestClient, *messages: dict[str, Any], **fields: Any) -> Any:
    """The reply to these messages, or to the usual question."""
    given = list(messages) or [{"role": "user", "content": PENS}]
    body = {"model": MODEL, "messages": given, **fields}
    return service.post("/v1/chat/completions", json=body)


def answer_of(response: Any) -> str:
    assert response.status_code == 200, response.text
    return str(response.json()["choices"][0]["message"]["content"])


def said(role: str, content: Any = None, **fields: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **fields}


def test_what_asks_for_nothing_is_accepted(client: Client) -> None:
    nothing = {
        "stream": None,
        "stream_options": None,
        "n": 1,
        "stop": None,
        "tools": [],
        "tool_choice": "auto",
        "response_format": {"type": "text"},
        "logit_bias": {},
        "user": "me",
        "metadata": {"chat": "1"},
        "store": False,
        "max_tokens": None,
        "modalities": ["text"],
    }
    assert "36" in answer_of(ask(client(), **nothing))


def test_tools_that_may_not_be_called_are_accepted(client: Client) -> None:
    tools = [{"type": "function", "function": {"name": "look_up"}}]
    assert "36" in answer_of(ask(client(), tools=tools, tool_choice="none"))


def test_every_role_and_form_of_message_is_understood(client: Client, serve: Serve) -> None:
    model = serve(restate=[{"task": "What do 12 pens at 5 dollars cost?"}])
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    answer_of(
        ask(
            client(model=None),
            said("developer", "You are a helpful assistant."),
            said("user", [{"type": "text", "text": PENS}]),
            {"role": "assistant", "tool_calls": [call]},
            said("tool", "3 dollars", tool_call_id="1"),
            said("function", "3 dollars", name="f"),
            said("assistant", [{"type": "text", "text": "36 dollars"}]),
            said("user", "and at 5?", name="Ann"),
        )
    )
    seen = model.requests[0]["messages"][-1]["content"]
    assert all(words in seen for words in (PENS, "36 dollars", "and at 5?"))
    assert "helpful" not in seen


def test_a_question_without_an_answer_is_no_history(client: Client, serve: Serve) -> None:
    model = serve()
    answer_of(ask(client(model=None), said("user", "It failed."), said("user", PENS)))
    assert model.asked["restate"] == 0
    assert all("It failed" not in str(request) for request in model.requests)


def test_of_a_long_conversation_the_latest_part_counts(client: Client, serve: Serve) -> None:
    model = serve(restate=[{"task": PENS}])
    turns = [said("user", f"Question {n}. " + "x" * 200) for n in range(300)]
    answers = [said("assistant", f"Answer {n}.") for n in range(300)]
    talk = [each for pair in zip(turns, answers, strict=True) for each in pair]
    service = client(model=None)

    reply = ask(service, *talk, said("user", "and now?"))
    assert "36" in answer_of(reply)
    assert "Question 299." in str(model.requests[0])
    task_id = reply.json()["id"].removeprefix("chatcmpl-")
    assert service.get(f"/tasks/{task_id}").json()["status"] == "verified"


def test_a_system_prompt_is_taken_into_the_task(client: Client, serve: Serve) -> None:
    model = serve(restate=[{"task": f"{PENS} Answer for children."}])
    reply = ask(client(model=None), said("system", "Write for children."), said("user", PENS))
    assert "36" in answer_of(reply)
    assert "Write for children." in model.requests[0]["messages"][-1]["content"]
    assert "Answer for children." in str(model.requests[1])


def test_a_long_question_stays_as_it_is_beside_a_system_prompt(
    client: Client, serve: Serve
) -> None:
    model = serve()
    long = f"{PENS} {'It is a nice shop. ' * 60}"
    answer_of(ask(client(model=None), said("system", "Be brief."), said("user", long)))
    assert model.asked["restate"] == 0
    assert long.strip() in str(model.requests[0])
    assert "Be brief." in str(model.requests[0])


def test_no_number_of_a_problem_is_lost_to_a_system_prompt(client: Client, serve: Serve) -> None:
    model = serve(restate=[{"task": "What do pens cost?"}])
    answer_of(ask(client(model=None), said("system", "Be brief."), said("user", PENS)))
    assert PENS in str(model.requests[1])


def test_texts_for_the_reader_are_sampled_as_told(client: Client, serve: Serve) -> None:
    model = serve()
    answer_of(ask(client(model=None), temperature=0.5, seed=7, top_p=0.9, presence_penalty=0.1))
    told = {"temperature": 0.5, "seed": 7, "top_p": 0.9, "presence_penalty": 0.1}
    sampled = [{**told, **request} == request for request in model.requests]
    assert sampled.count(True) == model.asked["report"]
    assert any(sampled)


def test_the_answer_is_cut_where_it_is_asked(client: Client) -> None:
    service = client(report=["12 pens at 3 dollars cost 36 dollars."])
    cut = ask(service, max_completion_tokens=4).json()["choices"][0]
    assert cut["finish_reason"] == "length"
    assert len(cut["message"]["content"].split()) <= 4
    stopped = ask(service, stop="36")
    assert "36" not in answer_of(stopped)


def test_a_stream_ends_as_the_reply_does(client: Client) -> None:
    lines = ask(client(), stream=True, max_tokens=3).text.splitlines()
    chunks = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"


SCHEMA = {
    "type": "object",
    "properties": {"dollars": {"type": "integer"}},
    "required": ["dollars"],
    "additionalProperties": False,
}


def in_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "cost", "schema": schema}}


def test_a_reply_is_held_to_its_schema(client: Client, serve: Serve) -> None:
    model = serve(json_form=[{"cost": 36}, {"dollars": 36}])
    reply = ask(client(model=None), response_format=in_schema(SCHEMA))
    assert json.loads(answer_of(reply)) == {"dollars": 36}
    formats = [request.get("response_format", {}) for request in model.requests]
    assert {"name": "cost", "schema": SCHEMA, "strict": True} in [
        each.get("json_schema") for each in formats
    ]


def test_a_reply_that_fits_no_schema_is_an_error(client: Client) -> None:
    reply = ask(client(json_form=[{"cost": 36}]), response_format=in_schema(SCHEMA))
    assert reply.status_code == 503
    assert "cost" in reply.json()["error"]["message"]


def test_a_question_to_the_user_is_not_made_into_json(client: Client) -> None:
    service = client(
        comprehension=[comprehension(missing=["the price"])],
        coordinator=[decision("comprehension"), decision("need_input", "What do they cost?")],
    )
    asked = {"response_format": in_schema(SCHEMA)}
    assert "What do they cost?" in answer_of(ask(service))
    reply = ask(service, **asked)
    assert (reply.status_code, error_of(reply)["code"]) == (422, "task_needs_input")


def test_a_reply_may_be_any_json(client: Client) -> None:
    reply = ask(client(json_form=[{"total": 36}]), response_format={"type": "json_object"})
    assert json.loads(answer_of(reply)) == {"total": 36}


@pytest.mark.parametrize("json_field", [True, False])
def test_what_a_chat_program_asks_by_itself_is_no_task(client: Client, json_field: bool) -> None:
    form = '### Task:\nName the chat.\n### Output:\n{ "title": "..." }\n<chat_history>\nhi\n'
    plain = "Write a short title for this conversation. Only the title.\n\nConversation:\nUser: hi"
    service = client(background=[{"title": "Greeting"}])
    reply = ask(service, said("user", form if json_field else plain))
    assert answer_of(reply) == ('{"title": "Greeting"}' if json_field else "Greeting")
    assert reply.json()["usage"]["completion_tokens"] > 0
    assert service.get("/tasks").json()["items"] == []


def test_a_background_prompt_can_be_streamed(client: Client) -> None:
    service = client(background=[{"tags": ["Maths", "Pens"]}])
    form = '### Task:\nTag it.\n### Output:\n{ "tags": ["a"] }\n<chat_history>hi</chat_history>'
    text = ask(service, said("user", form), stream=True).text
    chunks = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    content = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert json.loads(content) == {"tags": ["Maths", "Pens"]}
    assert text.rstrip().endswith("data: [DONE]")


def error_of(response: Any) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"error"}
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


def test_every_error_has_openais_form(client: Client) -> None:
    service = client(raises=False)
    missing = service.get("/v1/odd")
    assert (missing.status_code, error_of(missing)["code"]) == (404, "not_found")
    assert service.put("/v1/models").status_code == 405
    error_of(service.put("/v1/models"))
    long = ask(service, said("user", "x" * (2 << 20)))
    assert (long.status_code, error_of(long)["code"]) == (413, "request_too_large")
    assert "1024 kB" in error_of(long)["message"]
    too_long = ask(service, said("user", "x" * 30_000))
    assert (too_long.status_code, error_of(too_long)["type"]) == (400, "invalid_request_error")
    broken = service.post(
        "/v1/chat/completions", content="{", headers={"Content-Type": "application/json"}
    )
    assert broken.status_code == 400
    error_of(broken)


BROKEN = "\ud83d"
CHAT: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": PENS}]}


BROKEN_CHATS: tuple[dict[str, Any], ...] = (
    {"messages": [said("user", BROKEN)]},
    {"messages": [said("user", BROKEN), said("assistant", "36"), said("user", PENS)]},
    {"messages": [said("system", BROKEN), said("user", PENS)]},
    {"user": BROKEN},
    {BROKEN: 1},
    {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "a", "schema": {"properties": {BROKEN: {}}}},
        }
    },
)


def test_half_a_character_anywhere_in_a_chat_is_refused(client: Client) -> None:
    service = client(raises=False)
    headers = {"Content-Type": "application/json", "Idempotency-Key": "once"}
    for changes in BROKEN_CHATS:
        sent = json.dumps({**CHAT, **changes})
        refused = service.post("/v1/chat/completions", content=sent, headers=headers)
        assert refused.status_code == 400
        assert "not valid text" in error_of(refused)["message"]
    assert service.get("/tasks").json()["items"] == []


def test_what_openai_has_and_this_has_not_is_told_with_what_there_is(client: Client) -> None:
    service = client()
    for path in ("responses", "completions", "embeddings"):
        message = error_of(service.post(f"/v1/{path}", json={"model": MODEL}))["message"]
        assert f"POST /v1/{path}." in message
        assert "/v1/chat/completions" in message


def test_a_body_that_is_no_json_is_told_where(client: Client) -> None:
    service = client()
    headers = {"Content-Type": "application/json"}
    chat = service.post("/v1/chat/completions", content='{"model" 1}', headers=headers)
    task = service.post("/tasks", content='{"model" 1}', headers=headers)
    assert error_of(chat)["param"] is None
    assert error_of(chat)["message"] == task.json()["detail"]
    assert task.json()["detail"] == "The body is not JSON: Expecting ':' delimiter at character 9."


def test_a_body_that_cannot_be_read_is_told_what_it_has_to_be(client: Client) -> None:
    service = client(raises=False)
    headers = {"Content-Type": "application/json"}
    for content in (b'{"model": "\xff"}', b"[" * 100_000, b"9" * 5000):
        refused = service.post("/v1/chat/completions", content=content, headers=headers)
        assert refused.status_code == 400
        assert "JSON in UTF-8" in error_of(refused)["message"]


def test_json_sent_as_text_is_told_how_to_be_sent(client: Client) -> None:
    service = client()
    sent = {"content": json.dumps({"question": PENS}), "headers": {"Content-Type": "text/plain"}}
    chat, task = service.post("/v1/chat/completions", **sent), service.post("/tasks", **sent)
    assert chat.status_code == task.status_code == 415
    assert "Content-Type: application/json" in error_of(chat)["message"]
    assert "Content-Type: application/json" in task.json()["detail"]


def test_keys_budgets_and_full_queues_have_openais_errors(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_SERVE_STREAMS="1")
    service = client()
    state = service.app.state.service  # type: ignore[attr-defined]
    with state.streams.try_acquire(None):
        busy = ask(service)
    assert (busy.status_code, error_of(busy)["type"]) == (429, "rate_limit_exceeded")
    assert int(busy.headers["Retry-After"]) >= 1
    state.open = False
    unknown = ask(service)
    assert (unknown.status_code, error_of(unknown)["code"]) == (401, "invalid_api_key")


def test_pages_of_other_sites_may_ask_where_a_setting_says_so(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = {"Origin": "https://chat.example.org", "Sec-Fetch-Site": "cross-site"}
    ahead = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-odd"}
    body = {"question": PENS}
    use(monkeypatch, CONCERTINO_SERVE_ORIGINS="https://a.example, https://chat.example.org/")
    service = client()
    assert service.options("/tasks", headers={**page, **ahead}).status_code == 200
    allowed = service.post("/tasks", json=body, headers=page)
    assert allowed.status_code == 202
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://chat.example.org"
    other = {**page, "Origin": "https://odd.example"}
    assert service.post("/tasks", json=body, headers=other).status_code == 403


def test_all_origins_does_not_open_a_service_without_keys(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_SERVE_ORIGINS="*")
    page = {"Origin": "https://chat.example.org", "Sec-Fetch-Site": "cross-site"}
    assert client().post("/tasks", json={"question": PENS}, headers=page).status_code == 403
