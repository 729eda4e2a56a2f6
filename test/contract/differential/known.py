"""Every way in which Millrace answers otherwise than MLflow on purpose, by the names that `differs` gives."""

KNOWN = {
    "large integers": "Whole numbers beyond 2^53 are refused: JavaScript cannot hold them exactly. Times in milliseconds and steps stay far below.",
    "digits of Python": "Numbers in other scripts' digits or with underscores, which Python's int and float read, are refused.",
    "search-datasets of the API": "MLflow's own path for it lacks a slash, so that only /ajax-api answers; here both do.",
    "newline after an alias": "MLflow's pattern lets a line feed at the end of an alias pass.",
    "half read": "MLflow goes on with the fields in front of one that it cannot read, and then complains of something else.",
    "unknown status": "MLflow finishes a model with a status that it does not know, and shows it as unspecified from then on.",
    "encodings": "Bodies are UTF-8. Python's json also takes UTF-16, and refuses text that is no whole Unicode.",
    "NaN as text": "NaN and Infinity without quotes are read as their names, which MLflow then refuses for text.",
    "GET with a body": "The fields of a GET are in its query; MLflow also reads them from a body.",
    "artifact paths": "Null bytes, backslashes and # are refused in paths of artifacts wherever these are named.",
    "wrong verbs": "A path asked for with a verb that it has not is unknown (404 ENDPOINT_NOT_FOUND); Flask answers 405, and OPTIONS itself.",
    "two slashes": "Repeated slashes in a path count as one; MLflow sends the client to the path with one.",
    "long tags of a new run": "Tags that a run is created with are cut as those set later; MLflow on SQLite keeps them whole, on other databases fails.",
    "page tokens": "Tokens are positions in the order, not offsets: one that was not given out by the server is refused.",
}
