DROP VIEW plait.exemplars, plait.samples, plait.series;
