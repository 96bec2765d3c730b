"""Where bytes lie: local folders, object stores, input files, the user's cache."""

from __future__ import annotations

from skillstream.storage.digest import feed_file, file_digest
from skillstream.storage.input_files import (
    FileState,
    input_exists,
    input_state,
    list_objects,
    match_objects,
    open_input,
)
from skillstream.storage.listing import PAGE
from skillstream.storage.remote_folder import fetch_file, fetch_folder, push_folder, replace_file
from skillstream.storage.store import Store, check_local, folder_name, open_store
from skillstream.storage.url import ObjectURL, is_url, parse_url
from skillstream.storage.user_cache import cache_folder, check_writable, temporary_folder, writable_folder
from skillstream.storage.waiting import WAITS, Waits
from skillstream.storage.whole import (
    prune,
    remove_whole,
    sweep,
    taking_turns,
    whole_file,
    whole_folder,
)

__all__ = [
    "PAGE",
    "WAITS",
    "FileState",
    "ObjectURL",
    "Store",
    "Waits",
    "cache_folder",
    "check_local",
    "check_writable",
    "feed_file",
    "fetch_file",
    "fetch_folder",
    "file_digest",
    "folder_name",
    "input_exists",
    "input_state",
    "is_url",
    "list_objects",
    "match_objects",
    "open_input",
    "open_store",
    "parse_url",
    "prune",
    "push_folder",
    "remove_whole",
    "replace_file",
    "sweep",
    "taking_turns",
    "temporary_folder",
    "whole_file",
    "whole_folder",
    "writable_folder",
]
