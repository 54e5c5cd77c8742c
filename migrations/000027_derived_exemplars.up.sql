-- Which exemplars Plait itself derived from spans: these keep no trace when its day is thinned (docs/decisions/047). Those that are
-- here already are taken for ones that came from outside.
DO $$
BEGIN
    ALTER TABLE plait_store.exemplar ADD COLUMN derived bool NOT NULL DEFAULT false;
END
$$;
