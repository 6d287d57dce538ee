"""Messages to the user in English and Chinese, language detection, and measures of text."""
