-- The largest tables become partitioned ones, by a hash of the library; rows that are there move along. Everything or
-- nothing: it is one statement. Have no explib process running, and run it once, as the owner of the tables or a superuser:
--     psql --set ON_ERROR_STOP=1 -d THE_DATABASE -f docs/partitioning.sql
-- Keys and indexes, which hold library_id already, are made again as they were, by their names. The owner and what is granted on
-- the tables come along. Where explib has a schema of its own, set search_path to it before.
DO $$
DECLARE
    partitioned CONSTANT text[] := ARRAY['groups', 'trajectories', 'trajectory_bodies', 'retrievals'];
    partitions CONSTANT integer := 16;
    key record;
    granted record;
    made_again text[] := '{}';
    name text;
    statement text;
BEGIN
    IF EXISTS (SELECT FROM pg_partitioned_table WHERE partrelid = ANY (partitioned::regclass[])) THEN
        RAISE EXCEPTION 'the tables are partitioned already: nothing was changed';
    END IF;
    EXECUTE (SELECT format('SET LOCAL ROLE %s', relowner::regrole) FROM pg_class WHERE oid = partitioned[1]::regclass);
    FOR key IN
        SELECT contype, conrelid::regclass::text AS owner, conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
        WHERE contype IN ('p', 'u', 'f') AND conrelid = ANY (partitioned::regclass[])
            OR contype = 'f' AND confrelid = ANY (partitioned::regclass[])
        ORDER BY contype = 'f'
    LOOP
        IF key.contype = 'f' THEN
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', key.owner, key.conname);
        END IF;
        made_again := made_again || format('ALTER TABLE %s ADD CONSTRAINT %I %s', key.owner, key.conname, key.definition);
    END LOOP;
    made_again := made_again || ARRAY(
        SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = ANY (partitioned::regclass[])
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u')));
    FOREACH name IN ARRAY partitioned LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO %I', name, name || '_whole');
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL EXCLUDING INDEXES) PARTITION BY HASH (library_id)',
            name, name || '_whole');
        FOR number IN 0 .. partitions - 1 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s)',
                name || '_' || number, name, partitions, number);
        END LOOP;
        FOR granted IN
            SELECT grantee, privilege_type, is_grantable FROM pg_class, aclexplode(relacl)
            WHERE pg_class.oid = (name || '_whole')::regclass AND grantee <> relowner
        LOOP
            EXECUTE format('GRANT %s ON %I TO %s %s', granted.privilege_type, name,
                CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE granted.grantee::regrole::text END,
                CASE WHEN granted.is_grantable THEN 'WITH GRANT OPTION' END);
        END LOOP;
        EXECUTE format('INSERT INTO %I SELECT * FROM %I', name, name || '_whole');
        EXECUTE format('DROP TABLE %I', name || '_whole');
    END LOOP;
    FOREACH statement IN ARRAY made_again LOOP
        EXECUTE statement;
    END LOOP;
END $$;
