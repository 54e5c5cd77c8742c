DROP VIEW plait.services, plait.traces, plait.logs, plait.spans;
