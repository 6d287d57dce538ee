"""What `/v1` needs to speak as OpenAI's API does; the routes are in `routes/chat.py`."""
