"""The forms in which answers may come: tables, trees (JSON, XML), plain text, mails. Pure.

What impact.com's receipt and result files look like is written nowhere (domain page, section 9). So these
modules only know the field names of its API's submission and error objects, in any case and spacing, and
say of everything else that it is not understood.
"""
