-- Purpose: who holds the posts of every place of an edition at an instant, with their leave and shifts as they were known then; under the post's code where the name is not for the one who asks.
-- Parameters: edition_id, at (timestamptz).
WITH away AS (
    SELECT leave.city, leave.owner, jsonb_agg(jsonb_build_object('until', upper(leave.during), 'zone', leave.time_zone)) AS leaves
    FROM leave
    JOIN edition ON edition.id = CAST(:edition_id AS integer) AND edition.city = leave.city
    WHERE
        leave.during @> CAST(:at AS timestamptz)
        AND leave.recorded_at <= CAST(:at AS timestamptz) AND coalesce(leave.withdrawn_at > CAST(:at AS timestamptz), TRUE)
    GROUP BY leave.city, leave.owner
),

work AS (
    SELECT
        shift.city,
        shift.owner,
        jsonb_agg(jsonb_build_object('days', shift.weekdays, 'from', shift.from_time, 'to', shift.to_time, 'zone', shift.time_zone)) AS shifts
    FROM shift
    JOIN edition ON edition.id = CAST(:edition_id AS integer) AND edition.city = shift.city
    WHERE shift.recorded_at <= CAST(:at AS timestamptz) AND coalesce(shift.withdrawn_at > CAST(:at AS timestamptz), TRUE)
    GROUP BY shift.city, shift.owner
)

SELECT
    duty.place_kind,
    duty.place_id,
    duty.post,
    duty.owner AS code,
    duty.name,
    duty.origin,
    away.leaves,
    work.shifts
FROM duty_shown AS duty
LEFT JOIN away ON away.city = duty.city AND away.owner = duty.owner
LEFT JOIN work ON work.city = duty.city AND work.owner = duty.owner
WHERE duty.edition_id = CAST(:edition_id AS integer) AND duty.during @> CAST(:at AS timestamptz)
ORDER BY duty.place_kind, duty.place_id, duty.post DESC, duty.owner;
