-- Each statement gives at most one row, whose columns are fields of Activity, and reads an index or at most as many rows
-- as are counted. Both engines take it as it is.
SELECT served AS lessons FROM libraries WHERE id = :owner;

SELECT
    max(created_at) AS captured_at,
    (SELECT max(graded_at) FROM trajectories WHERE library_id = :owner) AS graded_at
FROM trajectories WHERE library_id = :owner;

SELECT count(*) AS ungraded FROM (
    SELECT id FROM trajectories
    WHERE library_id = :owner AND reward IS NULL
        AND created_at > coalesce((SELECT max(graded_at) FROM trajectories WHERE library_id = :owner), 0)
    LIMIT :most
) AS newest;

SELECT created_at AS learned_at FROM revisions
WHERE library_id = :owner AND author = :learner ORDER BY number DESC LIMIT 1;

SELECT count(*) AS attempts, count(reward) AS graded, count(DISTINCT group_id) AS tasks FROM (
    SELECT reward, group_id FROM trajectories
    WHERE library_id = :owner AND created_at > coalesce((
        SELECT created_at FROM revisions
        WHERE library_id = :owner AND author = :learner ORDER BY number DESC LIMIT 1
    ), 0)
    ORDER BY created_at DESC LIMIT :most
) AS newest;

SELECT max(learned_at) AS looked_at FROM learned_groups WHERE library_id = :owner;

SELECT
    count(*) AS ready,
    min(updated_at) AS ready_since,
    max(CASE WHEN reason LIKE :retried THEN reason END) AS failing
FROM (
    SELECT reason, updated_at FROM groups
    WHERE library_id = :owner AND state = 'ready' ORDER BY not_before DESC LIMIT :most
) AS waiting;

SELECT count(*) AS dead, max(reason) AS dead_reason FROM (
    SELECT reason FROM groups WHERE library_id = :owner AND state = 'dead' ORDER BY not_before DESC LIMIT :most
) AS given_up;

SELECT count(*) AS proposals, min(created_at) AS proposed_at FROM proposals
WHERE library_id = :owner AND state = 'waiting';

SELECT created_at AS refused_at, refusal FROM operations
WHERE library_id = :owner AND refusal IS NOT NULL ORDER BY number DESC LIMIT 1;

SELECT created_at AS asked_at FROM retrievals WHERE library_id = :owner ORDER BY number DESC LIMIT 1;

SELECT created_at AS served_at, servings AS served FROM (
    SELECT number, created_at, CAST(servings AS TEXT) AS servings FROM retrievals
    WHERE library_id = :owner ORDER BY number DESC LIMIT :recent
) AS newest
WHERE servings LIKE '%true]%' ORDER BY number DESC LIMIT 1;
