UPDATE finding SET scheduled_ms = (body::json #>> '{schedule,due_ms}')::bigint,
    scheduled_by = body::json #>> '{schedule,by}' WHERE state = 'scheduled';
