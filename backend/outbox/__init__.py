"""Mails handed over by a request and sent after its commit; decides nothing about who gets one."""
