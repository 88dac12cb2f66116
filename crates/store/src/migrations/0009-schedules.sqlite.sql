UPDATE finding SET scheduled_ms = json_extract(body, '$.schedule.due_ms'),
    scheduled_by = json_extract(body, '$.schedule.by') WHERE state = 'scheduled';
