"""The page at the track: live state, event stream, JSON API and the HTML around them."""
