
-- {{ about }}
CREATE FLOW {{ flow }} AS INSERT INTO {{ sink }} BY NAME
{{ select }};
