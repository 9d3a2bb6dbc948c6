-- What a commit needs on the server (docs/schema.md, Commits).

-- Ends a commit under way with an SQLSTATE of ours, so that nothing that was sent behind it runs.
CREATE FUNCTION dl_raise(state text, detail text) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = state, MESSAGE = 'the commit was refused', DETAIL = detail;
END
$$;
