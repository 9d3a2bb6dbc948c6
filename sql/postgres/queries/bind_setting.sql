-- A parameter of a COPY, for the transaction. $1 its name, $2 its value. One row.
SELECT set_config($1, $2, true)
