DROP FUNCTION dl_raise(text, text);
