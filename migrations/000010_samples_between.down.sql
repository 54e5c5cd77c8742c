DROP FUNCTION plait.samples(timestamptz, timestamptz);
