"""The switchboard: the process that carries out on one switch what the rows say, and writes to the rows what it does.

It knows a switch only through `dialer.telephony.port`, so Asterisk and the simulated switch are run by the same code.
"""
