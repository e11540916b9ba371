"""View decorators: what many views need before or after their own work. Practice 3.

Each works on a function, on a method, and on a whole view by `decorators = [...]`. When several are stacked
on a view, the top one runs first; in a list, the last one does.
"""
