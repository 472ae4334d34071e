"""Exported programs: our passes in place of torch's, inserting, removing, reporting, files,
and the second opinion while torch exports."""
