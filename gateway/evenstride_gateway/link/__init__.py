"""From radio or recording to (pod_id, bytes, arrival_s): one shape of source for everybody behind it."""
