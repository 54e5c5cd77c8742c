DROP VIEW plait.traces, plait.logs, plait.spans;
