DROP VIEW plait.samples, plait.exemplars;
