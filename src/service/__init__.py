"""The service: HTTP only, with the page; `work/` carries the tasks out."""
