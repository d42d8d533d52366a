"""The lab: a whole cluster in network namespaces, with real servers, real traffic and real failures.

Its law: nothing outside its own namespaces, run directory and recorded processes is ever touched.
"""
