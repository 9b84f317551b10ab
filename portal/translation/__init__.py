"""The languages of the portal: which there are, their catalogs, and a vendor's own words."""
