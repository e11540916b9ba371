// Must run before Pyodide is loaded. Pyodide refuses classic workers because it imports its parts as modules;
// here they are bundled already, and a page from a folder can only have a classic worker.
self.importScripts = undefined;
